# One image for all services of docker-compose.yaml: Airflow in Amazon MWAA's version, the loop and the local endpoint.
FROM python:3.12-slim

WORKDIR /opt/label-loop
COPY requirements.txt requirements-dev.txt ./
COPY include/mwaa/ include/mwaa/
COPY include/local_aws/requirements.txt include/local_aws/
# MWAA's constraints take precedence. The lock, which satisfies them, pins the packages that they do not mention.
RUN pip install --no-cache-dir --only-binary :all: \
        --constraint include/mwaa/constraints-3.3.1-python-3.12.txt --constraint requirements-dev.txt \
        "apache-airflow[amazon,celery,fab,postgres]==3.3.1" aiobotocore \
        --requirement requirements.txt --requirement include/local_aws/requirements.txt

COPY dags/ dags/
COPY plugins/ plugins/
COPY include/ include/

# A new volume takes its owner from the folder at its mount point.
RUN useradd --uid 50000 --no-create-home --home-dir /opt/airflow airflow \
    && install --directory --owner airflow /opt/airflow /opt/airflow/logs
USER airflow

ENV AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/label-loop/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/label-loop/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    AIRFLOW__LOGGING__BASE_LOG_FOLDER=/opt/airflow/logs \
    PYTHONDONTWRITEBYTECODE=1
