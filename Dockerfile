# vocalise in a container: docker build -t vocalise . (processor), or with --build-arg TORCH_INDEX=https://pypi.org/simple (CUDA).
# docs/install.md says how to run it. Songs are read from and written to the folder that is mounted at /songs.
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS build
RUN apt-get update && apt-get install --yes --no-install-recommends g++ && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
    pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:${PYTHON}-slim
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ARG EXTRAS=media,onnx
WORKDIR /songs
COPY constraints.txt /etc/vocalise-constraints.txt
COPY --from=build /wheels /wheels
# PyTorch first and alone, from the index that has the wanted build; the second line brings whatever that build needs.
RUN pip install --no-cache-dir --no-deps --constraint /etc/vocalise-constraints.txt --index-url "${TORCH_INDEX}" torch \
 && pip install --no-cache-dir --constraint /etc/vocalise-constraints.txt --find-links /wheels "vocalise[${EXTRAS}]"
# Whoever it is run as (--user) can write there.
RUN install -d -m 1777 /var/cache/vocalise && useradd --system singer
ENV VOCALISE_CACHE=/var/cache/vocalise MPLCONFIGDIR=/var/cache/vocalise/matplotlib
USER singer
ENTRYPOINT ["vocalise"]
CMD ["--help"]
