# One image for every role: `docker build -t amazon-tracker .`

# The version of rust-toolchain.toml; `make check-deploy` compares them.
ARG RUST_VERSION=1.95.0

FROM rust:${RUST_VERSION}-slim-trixie AS build
# The SBOM attested by buildx lists the dependencies of the binary (Cargo.lock), not only the packages of the last
# stage.
ARG BUILDKIT_SBOM_SCAN_STAGE=true
WORKDIR /build
# Dependencies first, with empty sources: this layer is rebuilt only when Cargo.toml or Cargo.lock change. aws-lc, ring,
# zstd and SQLite are C libraries: the image's gcc is enough (aws-lc-sys has bindings for this target, so neither cmake
# nor clang is needed). rust-toolchain.toml is not copied, because it would install clippy and rustfmt.
COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src benches \
    && echo 'fn main() {}' > src/main.rs \
    && cp src/main.rs benches/main.rs \
    && touch src/lib.rs \
    && cargo build --release --locked --bin amazon-tracker \
    # Cargo compares timestamps, and the real sources are older than this build.
    && cargo clean --release --package amazon-tracker
COPY migrations migrations
COPY src src
RUN cargo build --release --locked --bin amazon-tracker \
    && mkdir /out \
    # The image ships a stripped binary, which names its debug information: debuggers and `addr2line` find it by that.
    && objcopy --only-keep-debug target/release/amazon-tracker /out/amazon-tracker.debug \
    && objcopy --strip-all --add-gnu-debuglink=/out/amazon-tracker.debug target/release/amazon-tracker /out/amazon-tracker

# The debug information of the binary, to be kept beside the image:
# `docker build --target debug-info --output debug-info .`
FROM scratch AS debug-info
COPY --from=build /out/amazon-tracker.debug /

FROM debian:13-slim
# Fixed, so that volumes and runAsUser in Kubernetes can refer to it.
ARG UID=10001
# Certificates for Amazon, mail and webhooks. tini as PID 1: the daemon handles SIGTERM itself, but `migrate` and the
# other commands do not, and PID 1 ignores signals without a handler. Package versions are not pinned: within a Debian
# release they change only for security fixes, which are wanted.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates tini \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid "${UID}" tracker \
    && useradd --uid "${UID}" --gid tracker --no-create-home --home-dir /app --shell /usr/sbin/nologin tracker \
    && install --directory --owner tracker --group tracker /data
WORKDIR /app
# With modes of its own: a checkout under umask 077 would make them unreadable for the user of the container.
COPY --chmod=0644 config/default.toml config/production.toml config/
COPY --from=build --chmod=0755 /out/amazon-tracker /usr/local/bin/amazon-tracker

# Production listens on 0.0.0.0:8000 and logs JSON. Without DATABASE_URL, all data is in the volume.
ENV TRACKER_ENV=production \
    DATABASE_URL=sqlite:///data/amazon-tracker.sqlite
VOLUME ["/data"]
EXPOSE 8000
USER 10001:10001
# Checks the readiness of the process in this container, at the configured listen address. The start interval requires
# Docker Engine 25: a new replica is healthy after a second instead of ten.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --start-interval=1s --retries=3 \
    CMD ["amazon-tracker", "healthcheck"]
ENTRYPOINT ["/usr/bin/tini", "--", "amazon-tracker"]
CMD ["serve"]

ARG VERSION=0.0.0-dev
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
ARG SOURCE=https://github.com/OWNER/amazon-tracker
LABEL org.opencontainers.image.title="amazon-tracker" \
      org.opencontainers.image.description="Watches Amazon listings, records their history and sends alerts when it changes" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}"
