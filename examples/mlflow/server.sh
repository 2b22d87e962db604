#!/bin/sh
# MLflow's server: runs and the registry in PostgreSQL, models in S3. Clients talk only to the server.
set -eu

export MLFLOW_S3_ENDPOINT_URL="${MLFLOW_S3_ENDPOINT_URL:-http://127.0.0.1:9000}"
export AWS_ACCESS_KEY_ID="${AWS_ACCESS_KEY_ID:-minioadmin}"
export AWS_SECRET_ACCESS_KEY="${AWS_SECRET_ACCESS_KEY:-minioadmin}"

exec mlflow server \
  --backend-store-uri "${BACKEND_URI:-postgresql://mlflow:mlflow@127.0.0.1:5432/mlflow}" \
  --artifacts-destination "${ARTIFACT_ROOT:-s3://mlflow/mlartifacts}" \
  --serve-artifacts \
  --workers 1 \
  --host 127.0.0.1 \
  --port "${MLFLOW_PORT:-5000}"
