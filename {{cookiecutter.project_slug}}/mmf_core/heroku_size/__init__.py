"""`mmfmeta size`: whether the project fits a Heroku slug and dyno."""
