# Mesh Assets as one image, whose command says its role:
#
#   dagster code-server start -h 0.0.0.0 -p 4000 -m mesh_assets.definitions
#   dagster-webserver -h 0.0.0.0 -p 3000 -w workspace.yaml
#   dagster-daemon run -w workspace.yaml
#   mesh-assets mcp --transport streamable-http --host 0.0.0.0
#   mesh-assets serve --host 0.0.0.0
#
# Runs that a launcher starts bring their own command. The root file system is read-only: mount /var/lib/mesh-assets (Dagster's home, the
# current folder) and /tmp. Built only from Debian's packages and by hash, so that a machine without a container
# engine can run the same steps (mesh_assets_tests/packaging/test_image.py).

FROM debian:bookworm-20250520-slim AS python
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates python3 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log /var/cache/ldconfig/aux-cache

FROM python AS build
RUN apt-get update && apt-get install --yes --no-install-recommends python3-venv
# Build tools in one environment, the result in another without them.
RUN python3 -m venv /opt/build && python3 -m venv --without-pip /opt/mesh-assets
WORKDIR /src
COPY deploy/requirements.txt deploy/build-requirements.txt deploy/
RUN /opt/build/bin/pip install --no-cache-dir --require-hashes -r deploy/build-requirements.txt \
 && /opt/build/bin/pip --python /opt/mesh-assets/bin/python install --no-cache-dir --only-binary :all: --require-hashes -r deploy/requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY mesh_assets mesh_assets
RUN /opt/build/bin/hatchling build -t wheel -d /dist \
 && /opt/build/bin/pip --python /opt/mesh-assets/bin/python install --no-cache-dir --no-deps --no-index /dist/mesh_assets-*.whl

FROM python
RUN groupadd --gid 10001 mesh-assets \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/mesh-assets --shell /usr/sbin/nologin mesh-assets \
 && install -d -o 10001 -g 10001 /var/lib/mesh-assets \
 && install -d /etc/mesh-assets
COPY --from=build /opt/mesh-assets /opt/mesh-assets
# MALLOC_MMAP_THRESHOLD_: after a program has freed a large block, glibc keeps such blocks, up to 32 MB, on its heap (mallopt(3)).
# A code server sends its whole repository, 10 MB for 2,000 assets, whenever a daemon looks for changes, and the heap has no gap that large:
# in 13 minutes it grew from 261 to 321 MB, 60 of them unused. Blocks above a fixed threshold go back to the system.
ENV PATH=/opt/mesh-assets/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_MMAP_THRESHOLD_=1048576 \
    DAGSTER_HOME=/var/lib/mesh-assets \
    MESH_ESTATE=/etc/mesh-assets/estate.yaml
WORKDIR /var/lib/mesh-assets
USER 10001:10001
EXPOSE 3000 4000 8000 8080
CMD ["mesh-assets", "--help"]
