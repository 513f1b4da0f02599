"""What a wallet signs to sign in, and how it is believed. PURE but for `chains`: no database, no request, no clock."""
