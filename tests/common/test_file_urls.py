from datetime import UTC, datetime, timedelta

import pytest

from common.file_urls import BadFileUrl, read_file_token, sign_file_url

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FACTS = {"storage_key": "assets/ab/cd", "sha256": "a" * 64, "size_bytes": 12, "work_id": 7, "attempt": 2}


def token(method="GET", **facts) -> str:
    return sign_file_url(method=method, now=NOW, **{**FACTS, **facts}).rpartition("/")[2]


class SignFileUrlTests:
    def test_it_is_an_absolute_address_of_this_site(self, settings):
        settings.SITE_URL = "https://pictor.example"
        assert sign_file_url(method="GET", now=NOW, **FACTS).startswith("https://pictor.example/files/")

    def test_the_token_fits_the_longest_storage_key(self):
        assert len(token(storage_key="k" * 200)) < 1_000


class ReadFileTokenTests:
    def test_it_gives_back_what_was_signed(self):
        grant = read_file_token(token("PATCH"), method="PATCH", now=NOW)
        assert {name: getattr(grant, name) for name in FACTS} == FACTS

    @pytest.mark.parametrize("method", ["GET", "PATCH"])
    def test_either_method_may_ask_with_head(self, method):
        assert read_file_token(token(method), method="HEAD", now=NOW).method == method

    @pytest.mark.parametrize(("signed", "used"), [("GET", "PATCH"), ("PATCH", "GET"), ("PATCH", "DELETE"), ("GET", "POST")])
    def test_it_is_for_one_method_only(self, signed, used):
        with pytest.raises(BadFileUrl):
            read_file_token(token(signed), method=used, now=NOW)

    def test_it_ends_after_the_set_time(self, settings):
        end = NOW + timedelta(seconds=settings.FILE_URL_SECONDS)
        read_file_token(token(), method="GET", now=end - timedelta(seconds=1))
        with pytest.raises(BadFileUrl, match="expired"):
            read_file_token(token(), method="GET", now=end)

    @pytest.mark.parametrize("forged", ["", "x", "a:b", "e30:xxx", "x" * 3_000])
    def test_a_forged_token_is_refused(self, forged):
        with pytest.raises(BadFileUrl):
            read_file_token(forged, method="GET", now=NOW)

    def test_every_changed_character_is_noticed(self):
        good = token()
        for place in range(0, len(good), 7):
            bad = good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1 :]
            with pytest.raises(BadFileUrl):
                read_file_token(bad, method="GET", now=NOW)

    def test_a_signature_made_for_another_purpose_is_refused(self):
        from django.core import signing

        with pytest.raises(BadFileUrl):
            read_file_token(signing.Signer(salt="other").sign_object([1, 2]), method="GET", now=NOW)
