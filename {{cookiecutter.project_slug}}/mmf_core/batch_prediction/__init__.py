"""`mmfmeta predict`: predictions for files larger than memory."""
