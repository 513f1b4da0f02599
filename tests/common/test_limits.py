from django.core.cache import cache

from common.limits import address_of, is_within


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


class AddressOfTests:
    def test_without_a_trusted_proxy_nobody_chooses_an_address(self, rf):
        assert address_of(rf.get("/", headers={"X-Forwarded-For": "203.0.113.9"})) == "127.0.0.1"

    def test_the_trusted_proxy_is_believed_and_what_the_visitor_wrote_before_it_is_not(self, rf, settings):
        settings.TRUSTED_PROXY_COUNT = 1
        assert address_of(rf.get("/", headers={"X-Forwarded-For": "10.0.0.1, 203.0.113.9"})) == "203.0.113.9"

    def test_a_missing_header_falls_back_to_the_connection(self, rf, settings):
        settings.TRUSTED_PROXY_COUNT = 2
        assert address_of(rf.get("/", headers={"X-Forwarded-For": "203.0.113.9"})) == "127.0.0.1"

    def test_a_network_of_ipv6_is_one_visitor(self, rf):
        first, second, other = "2001:db8:0:1::5", "2001:db8:0:1:ffff::9", "2001:db8:0:2::5"
        assert address_of(rf.get("/", REMOTE_ADDR=first)) == address_of(rf.get("/", REMOTE_ADDR=second))
        assert address_of(rf.get("/", REMOTE_ADDR=first)) != address_of(rf.get("/", REMOTE_ADDR=other))
        assert address_of(rf.get("/", REMOTE_ADDR="::ffff:203.0.113.9")) == "203.0.113.9"
