"""MLflow's scoring protocol, and the commands that import models from MLflow or export to it."""
