from django.core.cache import cache

from common.limits import is_within


class IsWithinTests:
    def test_so_many_and_no_more(self):
        assert [is_within("a", "alice", limit=3, seconds=60) for _ in range(5)] == [True, True, True, False, False]

    def test_everybody_and_everything_is_counted_apart(self):
        assert is_within("a", "alice", limit=1, seconds=60)
        assert is_within("a", "chen", limit=1, seconds=60)
        assert is_within("b", "alice", limit=1, seconds=60)

    def test_trying_on_does_not_lengthen_the_wait(self):
        is_within("a", "alice", limit=1, seconds=60)
        is_within("a", "alice", limit=1, seconds=600)
        left = cache._cache.get_client().pttl(cache.make_key("limit:a:alice"))
        assert 0 < left <= 60_000
