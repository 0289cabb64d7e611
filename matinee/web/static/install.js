// Registers the service worker, where the browser allows one.
if ("serviceWorker" in navigator && window.isSecureContext) {
  addEventListener("load", () => navigator.serviceWorker.register("/service-worker.js"));
}
