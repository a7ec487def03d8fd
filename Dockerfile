# farmaner serve as an image: slim, without root, on a file system that may be read-only.
#   docker build --tag farmaner .
#   docker run --rm --read-only --publish 127.0.0.1:8000:8000 farmaner
# All that it does is in docker/: install.sh, serve.sh, health.py, each tested on its own.

FROM python:3.13-slim AS build
COPY . /source
RUN /source/docker/install.sh /opt/farmaner

FROM python:3.13-slim
COPY --from=build /opt/farmaner /opt/farmaner
COPY docker/serve.sh docker/health.py /opt/farmaner/bin/
ENV PATH=/opt/farmaner/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ORT_DISABLE_TELEMETRY=1 \
    FARMANER_HOST=0.0.0.0 \
    FARMANER_PORT=8000
USER 65532:65532
WORKDIR /
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=20s CMD ["python", "/opt/farmaner/bin/health.py"]
ENTRYPOINT ["serve.sh"]
