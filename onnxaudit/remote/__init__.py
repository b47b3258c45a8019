"""Models that lie elsewhere: on the Hugging Face hub, in an MLflow registry, in S3."""
