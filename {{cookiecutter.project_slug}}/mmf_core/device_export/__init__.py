"""`mmfmeta export`: a model that predicts on a device, in a page without a server."""
