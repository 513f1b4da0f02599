# The server: pages, sockets, feeder, background and migrations are the same image with another command (compose.yaml).
FROM python:3.11-slim-bookworm

RUN apt-get update \
 && apt-get install -y --no-install-recommends bubblewrap \
    libx11-6 libxrender1 libxfixes3 libxi6 libxkbcommon0 libsm6 libice6 libgl1 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --user-group --create-home --home-dir /var/lib/pictor pictor

# Scenes are inspected here, so the server has Blender too; in an environment of its own (NumPy below 2).
COPY requirements/blender-5.0.1.txt /tmp/
RUN python -m venv /opt/blender/5.0.1 \
 && /opt/blender/5.0.1/bin/pip install --no-cache-dir --require-hashes -r /tmp/blender-5.0.1.txt

COPY requirements/base.txt /tmp/
RUN pip install --no-cache-dir --require-hashes -r /tmp/base.txt

WORKDIR /srv/pictor
COPY . .

ENV PICTOR_ENV=production \
    PICTOR_VAR=/var/lib/pictor/var \
    BLENDER_PYTHON=/opt/blender/5.0.1/bin/python \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1

# The hashed names of the static files are part of the image; none of these values is used for anything else.
RUN mkdir -p /var/lib/pictor/var/files /var/lib/pictor/var/partial /var/lib/pictor/var/beat \
 && SECRET_KEY=only-for-collectstatic-in-the-image-build DATABASE_URL=postgresql://build@localhost/build REDIS_URL=redis://localhost \
    python manage.py collectstatic --noinput --verbosity 0 \
 && chown -R pictor:pictor /var/lib/pictor

USER pictor
EXPOSE 8000 8001
CMD ["granian", "--interface=wsgi", "--host=0.0.0.0", "--port=8000", "--workers=2", "--blocking-threads=64", "--backpressure=2048", "--http1-header-read-timeout=10000", "--no-ws", "--no-access-log", "pictor.wsgi:application"]
