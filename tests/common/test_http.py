import pytest

from common.http import fragment_response, tagged_response


@pytest.fixture
def template(settings, tmp_path):
    (tmp_path / "one.html").write_text("<p>{{ word }}</p>")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path], "OPTIONS": {}}]
    return "one.html"


class FragmentResponseTests:
    def test_the_same_content_is_not_sent_twice(self, rf, template):
        first = fragment_response(rf.get("/"), template, {"word": "one"})
        again = fragment_response(rf.get("/", headers={"If-None-Match": first["ETag"]}), template, {"word": "one"})
        assert (first.status_code, first.content) == (200, b"<p>one</p>")
        assert (again.status_code, again.content) == (304, b"")
        assert again["ETag"] == first["ETag"]

    def test_changed_content_is_sent(self, rf, template):
        first = fragment_response(rf.get("/"), template, {"word": "one"})
        again = fragment_response(rf.get("/", headers={"If-None-Match": first["ETag"]}), template, {"word": "two"})
        assert again.content == b"<p>two</p>"

    def test_no_cache_between_may_share_it(self, rf, template):
        response = fragment_response(rf.get("/"), template, {"word": "one"})
        assert "private" in response["Cache-Control"]
        assert "Cookie" in response["Vary"]


class TaggedResponseTests:
    def test_one_of_several_known_tags_is_enough(self, rf):
        tag = tagged_response(rf.get("/"), b"x", content_type="image/webp")["ETag"]
        request = rf.get("/", headers={"If-None-Match": f'"other", {tag}'})
        assert tagged_response(request, b"x", content_type="image/webp").status_code == 304
