// Starts Swagger UI or ReDoc, whichever the page has loaded.
"use strict";
(() => {
  const { dataset, nonce } = document.currentScript;
  const place = document.getElementById("reference");
  if (window.SwaggerUIBundle) {
    window.SwaggerUIBundle({ url: dataset.document, domNode: place, deepLinking: true });
  } else {
    window.Redoc.init(dataset.document, { nonce, disableSearch: true, hideLoading: true }, place);
  }
})();
