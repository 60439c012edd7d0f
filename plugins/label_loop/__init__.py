"""Label Loop: continuous improvement of Rekognition Custom Labels models on Apache Airflow."""

__version__ = "0.2.0"
