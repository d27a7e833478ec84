// The path under which the daemon is served: empty, or that of auth.public_url behind a proxy.

export const base = document.documentElement.dataset.base ?? "";
