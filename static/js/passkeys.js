// Passkeys: <form data-passkey="create|get" data-passkey-options="id of a JSON block"> sends what the authenticator answers.

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const known = (list = []) => list.map((one) => ({ ...one, id: bytes(one.id) }));

/** The server's options with their base64url as bytes, as the browser wants them. */
function optionsOf(form) {
  const options = JSON.parse(document.getElementById(form.dataset.passkeyOptions).textContent);
  const asked = (options.creation_options ?? options.request_options).publicKey;
  const read = { ...asked, challenge: bytes(asked.challenge) };
  if (asked.user) read.user = { ...asked.user, id: bytes(asked.user.id) };
  if (asked.excludeCredentials) read.excludeCredentials = known(asked.excludeCredentials);
  if (asked.allowCredentials) read.allowCredentials = known(asked.allowCredentials);
  return { publicKey: read };
}

/** The credential as JSON, buffers as base64url. */
function toJson(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  return {
    type: credential.type,
    id: credential.id,
    rawId: text(credential.rawId),
    authenticatorAttachment: credential.authenticatorAttachment ?? null,
    clientExtensionResults: credential.getClientExtensionResults(),
    response,
  };
}

const NOT_HERE = "This browser knows no passkeys here: they need https:// and a name, or localhost.";
const WORDS = {
  InvalidStateError: "This device's passkey is here already.",
  SecurityError: NOT_HERE, // an IP address in the place of a name
};

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const words = form.querySelector("[data-passkey-words]");
  form.querySelector("[data-passkey-go]").addEventListener("click", async () => {
    if (!navigator.credentials) return (words.textContent = NOT_HERE);
    words.textContent = "Your device asks you now.";
    try {
      const credential = await navigator.credentials[form.dataset.passkey](optionsOf(form));
      form.elements.credential.value = JSON.stringify(toJson(credential));
      form.submit();
    } catch (error) {
      words.textContent = WORDS[error.name] ?? "Nothing was confirmed on your device. Try again, or use another way.";
    }
  });
}
