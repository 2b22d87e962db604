"""MLflow's scoring protocol, and the exchange of models with MLflow."""
