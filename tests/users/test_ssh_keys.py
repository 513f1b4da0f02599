import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from users.ssh_keys import BadKey, parse

# Made by ssh-keygen; fingerprints as `ssh-keygen -lf` prints them.
ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
ED25519_PRINT = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"
SK_ED25519 = "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAINSLLQrDnVZ2Ls1TrWqFHHuLf0SSS2zJzW3nvrqmBqCbAAAABHNzaDo="


def line_of(private) -> str:
    return private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


class ParseTests:
    def test_the_fingerprint_is_the_one_ssh_prints(self):
        key = parse(f"  {ED25519} carla@laptop with words \n")
        assert (key.kind, key.bits, key.fingerprint) == ("ssh-ed25519", 256, ED25519_PRINT)
        assert (key.text, key.comment) == (ED25519, "carla@laptop with words")

    @pytest.mark.parametrize("junk", ['"', "!", "\x1b[31m", "#,command="])
    def test_what_the_parser_skips_is_not_kept(self, junk):
        """The text is written into files of machines: it is built anew from the key, or the paste is refused."""
        try:
            kept = parse(ED25519[:40] + junk + ED25519[40:]).text
        except BadKey:
            return
        assert kept == ED25519

    @pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="no ssh-keygen here")
    def test_ssh_keygen_says_the_same(self, tmp_path):
        for private in (ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP384R1())):
            file = tmp_path / "key.pub"
            file.write_text(line_of(private))
            said = subprocess.run(["ssh-keygen", "-lf", file], capture_output=True, text=True, check=True).stdout
            assert parse(line_of(private)).fingerprint == said.split()[1]

    @pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda curve: curve.name)
    def test_curves_of_ecdsa(self, curve):
        assert parse(line_of(ec.generate_private_key(curve))).bits == curve.key_size

    def test_keys_of_hardware(self):
        assert parse(SK_ED25519).kind == "sk-ssh-ed25519@openssh.com"

    def test_rsa_from_2048_bits_on(self):
        assert parse(line_of(rsa.generate_private_key(65537, 2048))).bits == 2048
        with pytest.raises(BadKey, match="2048"):
            parse(line_of(rsa.generate_private_key(65537, 1024)))


class RefusedTests:
    @pytest.mark.parametrize("form", [PrivateFormat.OpenSSH, PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
    def test_a_private_key_is_never_taken_and_said_to_be_one(self, form):
        pasted = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, form, NoEncryption()).decode()
        with pytest.raises(BadKey, match="private key"):
            parse(pasted)
        with pytest.raises(BadKey, match="private key"):
            parse("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none")

    def test_options_before_the_key(self):
        for options in ('command="rm -rf /"', "no-pty", "cert-authority", 'from="*",no-pty'):
            with pytest.raises(BadKey, match="options"):
                parse(f"{options} {ED25519}")

    def test_dsa(self):
        with pytest.raises(BadKey, match="DSA"):
            parse("ssh-dss AAAAB3NzaC1kc3MAAACBAP")

    def test_certificates(self):
        with pytest.raises(BadKey, match="certificate"):
            parse("ssh-ed25519-cert-v01@openssh.com AAAA")

    @pytest.mark.parametrize(
        "pasted",
        ["", " \n", "hello", "ssh-ed25519", "ssh-ed25519 !!!!", ED25519[:-8], "ssh-rsa " + ED25519.split()[1], "ssh-ed25519 é",
         f"{ED25519}\n{ED25519}", "ssh-ed25519 " + "A" * 9_000, "\0", "ssh-rsa AAAA", "ssh-ed25519 \ud800"],
    )  # fmt: skip
    def test_anything_else_is_refused_with_words(self, pasted):
        with pytest.raises(BadKey):
            parse(pasted)
