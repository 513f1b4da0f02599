// A form that came back with mistakes: the first wrong field has the focus, so that a keyboard or a reader starts there.
document.querySelector('main [aria-invalid="true"]')?.focus();
