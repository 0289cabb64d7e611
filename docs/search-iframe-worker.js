/* The search for a site that is opened from the disk. There, browsers refuse web workers, so the script of the
   search runs in a hidden frame, which has the same two ends: messages in, messages out. */
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(address) {
      super()
      this.onmessage = null
      const home = new URL(address, document.baseURI)
      const frame = document.createElement("iframe")
      frame.hidden = true
      document.body.append(frame)
      const inside = (this.inside = frame.contentWindow)
      const load = (source) =>
        new Promise((loaded, failed) => {
          const script = inside.document.createElement("script")
          script.src = new URL(source, home)
          script.onload = loaded
          script.onerror = failed
          inside.document.head.append(script)
        })
      inside.importScripts = (...sources) => sources.reduce((before, source) => before.then(() => load(source)), Promise.resolve())
      inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }))
      this.addEventListener("message", (event) => this.onmessage?.(event))
      this.ready = load(home)
    }

    postMessage(data) {
      this.ready.then(() => this.inside.dispatchEvent(new this.inside.MessageEvent("message", { data })))
    }

    terminate() {
      this.inside.frameElement?.remove()
    }
  }
}
