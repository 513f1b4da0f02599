# A node: the agent, Blender and the sandbox. Mount the downloaded configuration file and keep the state folder:
#   docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
#     -v ./node.toml:/etc/pictor/node.toml:ro -v pictor-node:/var/lib/pictor pictor-node
# With NVIDIA cards: --gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility,graphics; a benchmark computes by OpenCL.
# bubblewrap needs user namespaces, which Docker's default seccomp profile forbids: hence the two options.
FROM python:3.11-slim-bookworm

RUN apt-get update \
 && apt-get install -y --no-install-recommends bubblewrap ocl-icd-libopencl1 \
    libx11-6 libxrender1 libxfixes3 libxi6 libxkbcommon0 libsm6 libice6 libgl1 \
 && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /etc/OpenCL/vendors && echo libnvidia-opencl.so.1 > /etc/OpenCL/vendors/nvidia.icd \
 && useradd --system --user-group --create-home --home-dir /var/lib/pictor pictor

COPY requirements/blender-5.0.1.txt /tmp/
RUN python -m venv /opt/blender/5.0.1 \
 && /opt/blender/5.0.1/bin/pip install --no-cache-dir --require-hashes -r /tmp/blender-5.0.1.txt

WORKDIR /srv/pictor-agent
COPY requirements/node.txt /tmp/
RUN pip install --no-cache-dir --require-hashes -r /tmp/node.txt
COPY pyproject.toml ./
COPY requirements/blender-*.txt requirements/
COPY pictor_agent pictor_agent
RUN pip install --no-cache-dir --no-deps .

ENV PYTHONUNBUFFERED=1 BLENDER_PYTHON=/opt/blender/5.0.1/bin/python
USER pictor
VOLUME /var/lib/pictor
STOPSIGNAL SIGTERM
ENTRYPOINT ["pictor-agent"]
CMD ["run", "--config=/etc/pictor/node.toml", "--state=/var/lib/pictor/state", "--plain"]
