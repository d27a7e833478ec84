// Runs in each page before its own scripts: reports what its policy forbids, and counts the requests that it waits for.
(() => {
  addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sample }) => {
    console.error(`the policy forbids ${violatedDirective}: ${blockedURI} ${sample}`);
  });
  let waiting = 0;
  let quietSince = 0;
  const fetch = window.fetch;
  window.fetch = async (...request) => {
    waiting += 1;
    try {
      return await fetch(...request);
    } finally {
      waiting -= 1;
      quietSince = performance.now();
    }
  };
  // For how long the page has been loaded and has waited for nothing.
  window.quietMillis = () => (waiting > 0 || document.readyState !== "complete" ? 0 : performance.now() - quietSince);
})();
