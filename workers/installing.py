"""The commands that bring the agent onto a machine, as pages and refusals show them."""

from django.conf import settings
from django.urls import reverse

from workers import agent_image, agent_wheel

PYTHON = "3.11"  # Blender's own; pictor_agent.engines.fetching
UNIT_FOLDER = "~/.config/systemd/user"
CONFIG_PLACE = "~/.config/pictor-agent/node.toml"
IMAGE, VOLUME = "pictor-agent", "pictor-agent:/var/lib/pictor"
DRAIN_SECONDS = 1_200  # the frame that renders is finished, as the unit of systemd allows
# The least with which bubblewrap makes its boxes there (tests/image shows that each is needed). AppArmor's default profile
# forbids mounts; where some of /proc is hidden, the kernel allows no new /proc.
CONTAINER_OPTIONS = (
    "--cap-drop ALL --security-opt no-new-privileges "
    f"--security-opt seccomp={agent_image.NAME}/seccomp.json --security-opt apparmor=unconfined "
    "--security-opt systempaths=unconfined"
)


def words() -> dict:
    """What the page about installing shows."""
    wheel = agent_wheel.offered()
    unit_url = settings.SITE_URL + reverse("workers:agent-unit")
    return {
        "wheel_name": wheel.name,
        "wheel_url": wheel_url(wheel),
        "wheel_sha256": wheel.sha256,
        "pipx_command": pipx_command(),
        "uv_command": f"uv tool install --python {PYTHON} 'pictor-agent @ {wheel_url(wheel)}'",
        "packages_command": "sudo apt install bubblewrap pipx python3.11-venv libx11-6 libxrender1 libxfixes3 libxi6 "
        "libxkbcommon0 libsm6 libice6 libgl1 libegl1 ocl-icd-libopencl1",
        "update_command": pipx_command(force=True),
        "config_command": f"install -D -m 600 node.toml {CONFIG_PLACE}",
        "unit_command": f"mkdir -p {UNIT_FOLDER} && curl -fsSo {UNIT_FOLDER}/pictor-agent.service {unit_url}",
        "start_command": "systemctl --user daemon-reload && systemctl --user enable --now pictor-agent && loginctl enable-linger",
        **container_commands(),
    }


def container_commands() -> dict[str, str]:
    """From the archive to a node in a container; the test of the image runs these very words."""
    archive_url = settings.SITE_URL + reverse("workers:agent-image")
    return {
        "build_command": f"curl -fsS {archive_url} | tar xz && docker build -t {IMAGE} {agent_image.NAME}",
        "keep_command": f"docker run --rm -i -v {VOLUME} --entrypoint sh {IMAGE} -c 'umask 077 && cat > node.toml' < node.toml",
        "container_command": f"docker run -d --name pictor-agent --restart unless-stopped --stop-timeout {DRAIN_SECONDS} "
        f"-v {VOLUME} {CONTAINER_OPTIONS} {IMAGE}",
    }


def wheel_url(wheel: agent_wheel.Wheel) -> str:
    """With the hash, which pip checks."""
    return f"{settings.SITE_URL}{reverse('workers:agent-wheel', args=[wheel.name])}#sha256={wheel.sha256}"


def pipx_command(*, force: bool = False) -> str:
    """Raises agent_wheel.NotBuilt where no wheel is at hand."""
    return f"pipx install {'--force ' if force else ''}--python python{PYTHON} '{wheel_url(agent_wheel.offered())}'"


def join_command(code: str) -> str:
    """All that is to be typed on a machine that has the system's packages."""
    return f"{pipx_command()} && ~/.local/bin/pictor-agent run --join {code}"


def page_url() -> str:
    """Where all of this stands; without a hash, so that it may be said where no wheel is at hand."""
    return settings.SITE_URL + reverse("workers:agent-install")
