"""Label Loop: continuous improvement of Rekognition Custom Labels models on Apache Airflow."""
