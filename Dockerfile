# docker build -t digitserve .        (docs/containers.md says the rest)

FROM python:3.11-slim-bookworm AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_PYTHON=/opt/digitserve/bin/python PIP_ROOT_USER_ACTION=ignore
RUN python -m venv --without-pip /opt/digitserve
WORKDIR /src

# All packages, in a layer that only another lock or index makes anew. A file whose hash is not the lock's ends the build; torch
# has none there, as each index has builds of its own. Where an index is given, torch comes from there or not at all; what this
# build of torch needs may come from there too, and is all that the lock does not name.
ARG TORCH_INDEX=""
COPY requirements.lock requirements-hashes.lock ./
RUN pip install --no-deps --require-hashes --requirement requirements-hashes.lock \
 && pip install --constraint requirements.lock --no-deps ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch torchvision \
 && pip install --constraint requirements.lock ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} torch torchvision


# The project itself beside the packages, so that a change of code makes a layer of some megabytes. A package that it needs
# and the lock does not name ends the build.
FROM packages AS project
COPY pyproject.toml LICENSE README.md ./
COPY app ./app
COPY digitserve ./digitserve
COPY models_store ./models_store
COPY training ./training
RUN pip install --no-build-isolation --no-deps --prefix /project . \
 && PYTHONPATH=/project/lib/python3.11/site-packages pip check


FROM python:3.11-slim-bookworm
RUN groupadd --gid 10001 digitserve \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin digitserve \
 && install --directory --owner=10001 --group=10001 /var/lib/digitserve/store /var/lib/digitserve/state
COPY --from=packages /opt/digitserve /opt/digitserve
COPY --from=project /project /opt/digitserve
ENV PATH=/opt/digitserve/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    DIGITSERVE_HOST=0.0.0.0 \
    DIGITSERVE_STORE_DIR=/var/lib/digitserve/store \
    DIGITSERVE_STATE_DIR=/var/lib/digitserve/state
USER 10001:10001
WORKDIR /var/lib/digitserve
VOLUME ["/var/lib/digitserve/store", "/var/lib/digitserve/state"]
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-c", "\
import http.client, os, sys; \
port = os.environ.get('DIGITSERVE_PORT', '').strip(); \
server = http.client.HTTPConnection('127.0.0.1', int(port if port.isdecimal() else 8000), timeout=4); \
server.request('GET', '/readyz'); \
sys.exit(server.getresponse().status != 200)"]
ENTRYPOINT ["digitserve"]
CMD ["serve"]
