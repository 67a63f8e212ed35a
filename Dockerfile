# The base can be named by digest: --build-arg BASE=python@sha256:...
ARG BASE=python:3.13-slim

# --- The locked packages, in an environment without pip ----------------------------------------------------------
FROM ${BASE} AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY requirements.lock ./
# Wheels only: no package's own build code runs, and no compiler is needed.
RUN python3 -m venv --without-pip /opt/onward \
    && python3 -m pip --python /opt/onward/bin/python install --no-deps --require-hashes --only-binary :all: \
        --requirement requirements.lock

# --- The project as a wheel, put beside those packages ------------------------------------------------------------
FROM packages AS project
COPY requirements-build.lock ./
RUN python3 -m venv --without-pip /opt/build \
    && python3 -m pip --python /opt/build/bin/python install --no-deps --require-hashes --only-binary :all: \
        --requirement requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY addons ./addons
COPY rules ./rules
COPY gateway ./gateway
RUN /opt/build/bin/python -m hatchling build --target wheel \
    && python3 -m pip --python /opt/onward/bin/python install --no-deps --no-index --root /staging dist/*.whl

# --- What runs ---------------------------------------------------------------------------------------------------
FROM ${BASE}
LABEL org.opencontainers.image.title="onward" \
    org.opencontainers.image.description="Egress proxy that finds EEA and Swiss personal data in outbound transfers" \
    org.opencontainers.image.licenses="Apache-2.0"
# The folder for state is made here, so that a volume put there belongs to the user who writes into it.
RUN groupadd --gid 10001 onward \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin onward \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/onward
COPY --from=packages /opt/onward /opt/onward
COPY --from=project /staging/opt/onward /opt/onward
# Inside a container, loopback reaches nobody; which network reaches these ports is for the one who publishes them.
ENV PATH=/opt/onward/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TLDEXTRACT_CACHE=/tmp/tldextract \
    ONWARD_STATE=/var/lib/onward \
    ONWARD_LISTEN_HOST=0.0.0.0 \
    ONWARD_METRICS_HOST=0.0.0.0
USER 10001:10001
# State is kept; everything else may be mounted read-only, with a tmpfs on /tmp.
VOLUME ["/var/lib/onward"]
WORKDIR /var/lib/onward
EXPOSE 8080 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["onward", "health"]
ENTRYPOINT ["onward"]
CMD ["serve"]
