"""Redis as Celery's broker, whose loss a background process outlives (docs/decisions/0042)."""

from kombu.transport import TRANSPORT_ALIASES, redis
from redis.exceptions import ConnectionError as ConnectionLost


class Channel(redis.Channel):
    """A channel that says so, in words that Celery waits for, when the connection below it has been given up."""

    def _connparams(self, asynchronous=False):
        """Where to connect to once more: kombu asks when it puts back or acknowledges what was in hand as Redis went."""
        if self.connection is None or self.connection.client is None:
            raise ConnectionLost("This connection to Redis was given up; another one has taken its place.")
        return super()._connparams(asynchronous=asynchronous)


class Transport(redis.Transport):
    Channel = Channel


def use_for_redis() -> None:
    """Addresses that begin with redis:// or rediss:// mean this transport."""
    TRANSPORT_ALIASES.update(redis="pictor.broker:Transport", rediss="pictor.broker:Transport")
