"""`GET /`: the page for people, who open it, drop an Excel file and get one back."""
