// Keeps the parts of the pages that are the same for everybody, and a page to show without a
// connection. Pages with ratings are never kept.
"use strict";
const SHELL = "shell-1";
const OFFLINE = "/offline";
const KEPT = [OFFLINE, "/static/app.css", "/static/app.js", "/static/icon.svg"];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(SHELL).then((cache) => cache.addAll(KEPT)));
  self.skipWaiting();
});

self.addEventListener("activate", (event) => {
  const drop = (names) => Promise.all(names.filter((one) => one !== SHELL).map((one) => caches.delete(one)));
  event.waitUntil(caches.keys().then(drop).then(() => self.clients.claim()));
});

async function asset(request) {
  const cache = await caches.open(SHELL);
  try {
    const response = await fetch(request);
    if (response.ok) await cache.put(request, response.clone());
    return response;
  } catch (error) {
    const kept = await cache.match(request);
    if (kept) return kept;
    throw error;
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(() => caches.match(OFFLINE)));
  } else if (url.pathname.startsWith("/static/")) {
    event.respondWith(asset(request));
  }
});
