"""Settings of the one Django project, read from the environment (see .env.example)."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from pictor import env
from pictor.console import console
from pictor.guards import refuse_plain_http, refuse_unsafe_start
from pictor.logs import configured
from pictor.stores import file_store

# Where things are -----------------------------------------------------------------------------------------------------

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.text("PICTOR_VAR", str(BASE_DIR / "var")))

# What this process is -------------------------------------------------------------------------------------------------

DEMO = env.flag("PICTOR_DEMO")  # one-click personas; never on a public address
DEBUG = env.flag("DEBUG")
PRODUCTION = not (DEMO or DEBUG)
ENVIRONMENT = env.text("PICTOR_ENV", "")  # "production" refuses PICTOR_DEMO and DEBUG
SECRET_KEY = env.secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS", "")  # what it replaced: sessions and second steps go on
SITE_NAME = env.text("SITE_NAME", "Pictor")
SITE_URL = env.text("SITE_URL", "http://127.0.0.1:8000").rstrip("/")
STAFF_SECOND_STEP = env.flag("STAFF_SECOND_STEP", True)  # 0: operators may do without one
SIMULATED_GPUS = env.flag("SIMULATED_GPUS")  # nodes may play GPUs from a file, for trying out what shows them
refuse_unsafe_start(
    environment=ENVIRONMENT,
    demo=DEMO,
    debug=DEBUG,
    second_step=STAFF_SECOND_STEP,
    simulated=SIMULATED_GPUS,
    site_url=SITE_URL,
)
# Signs the agent that nodes may become; without it they stay what they are. Whoever has it has every node that updates itself.
AGENT_SIGNING_KEY = env.seed("AGENT_SIGNING_KEY", required=ENVIRONMENT == "production")
LIVE_URL = env.text("LIVE_URL", "ws://127.0.0.1:8001").rstrip("/")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", urlsplit(SITE_URL).hostname or "")
CSRF_TRUSTED_ORIGINS = [SITE_URL]

INSTALLED_APPS = [
    "pictor",
    "leaderboard",
    "rewards",
    "checkers",
    "rendering",
    "renting",
    "workers",
    "credit",
    "users",
    "common",
    "unfold",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.google",
    "allauth.mfa",
    "allauth.usersessions",
    "channels",
    "django_htmx",
    "template_partials",
    "csp",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.forms",
]

MIDDLEWARE = [
    "pictor.logs.request_log",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "pictor.policies.admin_policy",
    "pictor.policies.private_pages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "common.htmx.sign_in_again",
    "pictor.bodies.body_limit",
    "allauth.account.middleware.AccountMiddleware",
    "users.middleware.own_account",
    "users.console.RequireSecondStep",
]

ROOT_URLCONF = "pictor.urls"
WSGI_APPLICATION = "pictor.wsgi.application"
ASGI_APPLICATION = "pictor.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "pictor.context.shell",
            ],
            "builtins": ["template_partials.templatetags.partials", "common.templatetags.pictor"],
        },
    },
]

FORM_RENDERER = "django.forms.renderers.TemplatesSetting"  # templates/django/forms/ come before Django's own

# Truth: PostgreSQL ----------------------------------------------------------------------------------------------------


def database(url: str) -> dict:
    """Django's database entry for `postgresql://user:password@host:port/name`; a host that is a path is a socket folder."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise env.BadSetting("DATABASE_URL must start with postgresql:// (other databases are not supported).")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        # PostgreSQL keeps the plan of what a connection says often: planning had cost twice as much as doing.
        "OPTIONS": {"server_side_binding": True, "prepare_threshold": 3},
    }


# The app role reads and writes rows; the owner role (DATABASE_OWNER_URL, used by `migrate` alone) owns the tables.
DATABASES = {"default": database(env.text("DATABASE_URL"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Hints and queues: Redis, all of it losable ---------------------------------------------------------------------------

REDIS_URL = env.text("REDIS_URL")
# No CHANNEL_LAYERS: a layer subscribes to Redis once per socket; common.hub does once per process and topic.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
CELERY_BROKER_URL = REDIS_URL

# Files ----------------------------------------------------------------------------------------------------------------

STORAGES = {
    "default": file_store(VAR_DIR / "files"),
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR_DIR / "static"
FILE_URL_SECONDS = env.seconds("FILE_URL_SECONDS", 600)
UPLOAD_BYTES_MAX = env.number("UPLOAD_BYTES_MAX", 8 * 1024**3)
STORED_BYTES_MAX = env.number("STORED_BYTES_MAX", 64 * 1000**3)  # of one account's scenes
SCENES_KEPT_DAYS = env.number("SCENES_KEPT_DAYS", 30, at_least=1)  # after their last job ended
FRAMES_KEPT_DAYS = env.number("FRAMES_KEPT_DAYS", 60, at_least=1)  # and films, after the job ended
CHUNK_BYTES_MAX = 16 * 1024**2
DATA_UPLOAD_MAX_MEMORY_SIZE = CHUNK_BYTES_MAX

# People ---------------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
LOGIN_URL = "users:sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "users:sign-in"
# Nobody signs up or in by password: users.allauth_urls has no such page. Operators may use the admin's own form.
ACCOUNT_ADAPTER = "users.adapters.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "users.adapters.SocialAccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}  # which nobody is asked for
ACCOUNT_SIGNUP_FIELDS = ["username*", "email"]  # a wallet brings no address
SOCIALACCOUNT_EMAIL_REQUIRED = False
SOCIALACCOUNT_QUERY_EMAIL = True
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_DEFAULT_HTTP_PROTOCOL = urlsplit(SITE_URL).scheme
SOCIALACCOUNT_LOGIN_ON_GET = False
MFA_ADAPTER = "users.adapters.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_ALLOW_UNVERIFIED_EMAIL = True  # wallets bring none
MFA_TOTP_ISSUER = SITE_NAME
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = SITE_URL.startswith("http://")  # a laptop's demo; browsers allow it on localhost alone
GOOGLE_CLIENT_ID = env.text("GOOGLE_CLIENT_ID", "")
GOOGLE_ISSUER = env.text("GOOGLE_ISSUER", "https://accounts.google.com")  # any OpenID provider can stand in
GOOGLE_AUTHORIZE_URL = env.text("GOOGLE_AUTHORIZE_URL", "https://accounts.google.com/o/oauth2/v2/auth")
GOOGLE_PAGE_URL = "{0.scheme}://{0.netloc}".format(urlsplit(GOOGLE_AUTHORIZE_URL))
GOOGLE_TOKEN_URL = env.text("GOOGLE_TOKEN_URL", "https://oauth2.googleapis.com/token")
GOOGLE_KEYS_URL = env.text("GOOGLE_KEYS_URL", "https://www.googleapis.com/oauth2/v3/certs")
SOCIALACCOUNT_PROVIDERS = {
    "google": {
        "APPS": [{"client_id": GOOGLE_CLIENT_ID, "secret": env.text("GOOGLE_CLIENT_SECRET", ""), "key": ""}]
        if GOOGLE_CLIENT_ID
        else [],
        "SCOPE": ["openid", "email", "profile"],
        "OAUTH_PKCE_ENABLED": True,
    }
}

# Wallets. With APTOS_NODE_URL= (empty) Aptos wallets are not offered: an address says nothing of the keys it has today.
APTOS_NODE_URL = env.text("APTOS_NODE_URL", "https://api.testnet.aptoslabs.com/v1").rstrip("/")
APTOS_CHAIN_ID = env.number("APTOS_CHAIN_ID", 2)
APTOS_CHAIN_NAME = {1: "aptos:mainnet", 2: "aptos:testnet"}.get(APTOS_CHAIN_ID, f"aptos:{APTOS_CHAIN_ID}")
EVM_NODE_URL = env.text("EVM_NODE_URL", "")  # JSON-RPC; without one, wallets that are contracts cannot sign in
EVM_CHAIN_ID = env.number("EVM_CHAIN_ID", 1)
EVM_CHAIN_NAME = env.text("EVM_CHAIN_NAME", "Ethereum")
EVM_COIN = env.text("EVM_COIN", "ETH")
EVM_PUBLIC_NODE_URL = env.address("EVM_PUBLIC_NODE_URL", "")  # told to wallets that do not know the chain

# Money on chains (credit.chains): an asset that is not set is not offered, an empty treasury takes no payments -----------

APTOS_ASSET = env.text("APTOS_ASSET", "")
APTOS_ASSET_SYMBOL = env.text("APTOS_ASSET_SYMBOL", "USDT")
APTOS_ASSET_DECIMALS = env.number("APTOS_ASSET_DECIMALS", 6)
APTOS_TREASURY = env.text("APTOS_TREASURY", "")
APTOS_INDEXER_URL = env.address("APTOS_INDEXER_URL", "")
APTOS_INDEXER_KEY = env.text("APTOS_INDEXER_KEY", "")
APTOS_EXPLORER_URL = env.address("APTOS_EXPLORER_URL", "https://explorer.aptoslabs.com")
EVM_CHAIN_TEST = env.flag("EVM_CHAIN_TEST")
EVM_ASSET = env.text("EVM_ASSET", "")
EVM_ASSET_SYMBOL = env.text("EVM_ASSET_SYMBOL", "USDT")
EVM_ASSET_DECIMALS = env.number("EVM_ASSET_DECIMALS", 6)
EVM_TREASURY = env.text("EVM_TREASURY", "")
EVM_CONFIRMATIONS = env.number("EVM_CONFIRMATIONS", 0)
EVM_EXPLORER_URL = env.address("EVM_EXPLORER_URL", "")
TOP_UP_MINIMUM_MICROS = env.number("TOP_UP_MINIMUM_MICROS", 10_000_000)
TOP_UP_SECONDS = env.seconds("TOP_UP_SECONDS", 3600)

# Money in: PayPal's hosted checkout (cards through it). Without the three secrets it is not offered. -------------------

PAYPAL_CLIENT_ID, PAYPAL_CLIENT_SECRET, PAYPAL_WEBHOOK_ID = env.together(
    "PAYPAL_CLIENT_ID", "PAYPAL_CLIENT_SECRET", "PAYPAL_WEBHOOK_ID"
)
_PAYPAL = (
    "sandbox.paypal.com" if env.choice("PAYPAL_ENVIRONMENT", "sandbox", ("sandbox", "live")) == "sandbox" else "paypal.com"
)
PAYPAL_API_URL = env.address("PAYPAL_API_URL", f"https://api-m.{_PAYPAL}")

# Withdrawals. A chain pays out once the address of its sending wallet is set; the key is read by the background process alone.
APTOS_PAYOUT_ADDRESS = env.text("APTOS_PAYOUT_ADDRESS", "")
APTOS_PAYOUT_KEY_FILE = env.text("APTOS_PAYOUT_KEY_FILE", "")
EVM_PAYOUT_ADDRESS = env.text("EVM_PAYOUT_ADDRESS", "")
EVM_PAYOUT_KEY_FILE = env.text("EVM_PAYOUT_KEY_FILE", "")
EVM_PAYOUT_GWEI_MAX = env.number("EVM_PAYOUT_GWEI_MAX", 200, at_least=1)
ADJUSTMENT_ALONE_MICROS = env.credits("ADJUSTMENT_ALONE", "100")
WITHDRAW_MINIMUM_MICROS = env.credits("WITHDRAW_MINIMUM", "10")
WITHDRAW_FEE_MICROS = {"aptos": env.credits("WITHDRAW_FEE_APTOS", "0.10"), "evm": env.credits("WITHDRAW_FEE_EVM", "2")}
WITHDRAW_DAY_MAX_MICROS = env.credits("WITHDRAW_DAY_MAX", "1000")
WITHDRAW_APPROVAL_MICROS = env.credits("WITHDRAW_APPROVAL_ABOVE", "200")
WITHDRAW_DELAY_SECONDS = env.number("WITHDRAW_DELAY_SECONDS", 3600)
PAYOUT_ADDRESS_DELAY_SECONDS = env.number("PAYOUT_ADDRESS_DELAY_SECONDS", 86_400)
PAYOUT_MAX_MICROS = env.credits("PAYOUT_MAX", "5000")
PAYOUT_DAY_MAX_MICROS = env.credits("PAYOUT_DAY_MAX", "20000")
PAYPAL_PAGE_URL = env.address("PAYPAL_PAGE_URL", f"https://www.{_PAYPAL}")  # where payers approve
PAYPAL_CERT_URL = env.address("PAYPAL_CERT_URL", f"https://api.{_PAYPAL}/v1/notifications/certs") + "/"
PAYPAL_CERT_NAME = env.text("PAYPAL_CERT_NAME", f"messageverificationcerts.{_PAYPAL}")
PAYPAL_ROOTS_FILE = env.text("PAYPAL_ROOTS_FILE", "")  # PEM; empty: the roots that browsers know
PAYPAL_FEE_BP = env.number("PAYPAL_FEE_BP", 440)  # of the credit, and
PAYPAL_FEE_CENTS = env.number("PAYPAL_FEE_CENTS", 30)  # on top of it
PAYPAL_CHARGEBACK_DAYS = env.number("PAYPAL_CHARGEBACK_DAYS", 180, at_least=1)  # how long a payer may complain
refuse_plain_http(
    environment=ENVIRONMENT,
    urls={
        "APTOS_NODE_URL": APTOS_NODE_URL,
        "EVM_NODE_URL": EVM_NODE_URL,
        "PAYPAL_API_URL": PAYPAL_API_URL,
        "PAYPAL_PAGE_URL": PAYPAL_PAGE_URL,
        "PAYPAL_CERT_URL": PAYPAL_CERT_URL,
        "GOOGLE_AUTHORIZE_URL": GOOGLE_AUTHORIZE_URL,
        "GOOGLE_TOKEN_URL": GOOGLE_TOKEN_URL,
        "GOOGLE_KEYS_URL": GOOGLE_KEYS_URL,
    },
)

# Operators' console --------------------------------------------------------------------------------------------------

UNFOLD = console(site_name=SITE_NAME, static_url=STATIC_URL)

# Safety at the edge ---------------------------------------------------------------------------------------------------

# How many proxies stand in front and add X-Forwarded-For and -Proto; 0 believes neither header.
TRUSTED_PROXY_COUNT = ALLAUTH_TRUSTED_PROXY_COUNT = env.number("TRUSTED_PROXY_COUNT", 0)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT else None
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SITE_URL.startswith("https://")
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if SITE_URL.startswith("https://") else 0
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "pictor.errors.form_expired"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "connect-src": ["'self'", LIVE_URL],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'", GOOGLE_PAGE_URL, *([PAYPAL_PAGE_URL] if PAYPAL_CLIENT_ID else [])],
        "frame-ancestors": ["'none'"],
    }
}

# Who issues invoices and statements
OPERATOR_NAME = env.text("OPERATOR_NAME", SITE_NAME)
OPERATOR_ADDRESS = env.words("OPERATOR_ADDRESS")
OPERATOR_TAX_NUMBER = env.text("OPERATOR_TAX_NUMBER", "")
OPERATOR_EMAIL = env.text("OPERATOR_EMAIL", "")
OPERATOR_NOTE = env.text("OPERATOR_NOTE", "")

# Words and time -------------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE = env.text("TIME_ZONE", "UTC")
USE_TZ = True
USE_I18N = False
FORMAT_MODULE_PATH = ["pictor.formats"]  # dates in the operators' console as on the pages

# Who answers for what, named here so that lower apps need not know those above ---------------------------------------

WORK_KINDS = "pictor.work_kinds.WORK_KINDS"
LEDGER_LINKS = "pictor.ledger_links.LEDGER_LINKS"
# What people are told, by who tells it.
NOTICE_KINDS = ["credit.notices.KINDS", "rendering.notices.KINDS", "workers.notices.KINDS"]

# Rendering on the server: scenes are inspected by the agent's program, in its sandbox ---------------------------------

BLENDER_PYTHON = env.text("BLENDER_PYTHON", "")  # interpreters of render environments that are here; ":" between
BLENDER_ENVIRONMENTS = env.text("BLENDER_ENVIRONMENTS", "")  # folder of the others, fetched when a scene first needs one
INSPECT_SECONDS_MAX = env.seconds("INSPECT_SECONDS_MAX", 120)
FFMPEG = env.text("FFMPEG", "")  # empty: the one on PATH, else the one that comes with imageio-ffmpeg

# Mail: notices before files are deleted; printed to the log while no server is named ------------------------------------

EMAIL_HOST = env.text("EMAIL_HOST", "")
EMAIL_PORT = env.number("EMAIL_PORT", 587)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", True)
EMAIL_TIMEOUT = 20  # seconds
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "pictor@localhost")

# Logs -----------------------------------------------------------------------------------------------------------------

LOG_LEVEL = env.text("LOG_LEVEL", "INFO")
LOGGING = configured(level=LOG_LEVEL, json=PRODUCTION)
METRICS_TOKEN = env.text("METRICS_TOKEN", "")  # /metrics: empty answers this machine only
