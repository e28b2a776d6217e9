// Starts Redoc on this server's own OpenAPI document, and keeps it from asking anyone else.

const system = 'ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
const mono = 'ui-monospace, "SF Mono", Menlo, Consolas, monospace';

// Its sidebar shows a logo from its maker's server. Told that the logo failed to load, it leaves it out.
HTMLImageElement.prototype.setAttribute = function (name, value) {
  const foreign = name === "src" && new URL(value, document.baseURI).origin !== location.origin;
  if (foreign) queueMicrotask(() => this.dispatchEvent(new Event("error")));
  else Element.prototype.setAttribute.call(this, name, value);
};
Object.defineProperty(HTMLImageElement.prototype, "src", {
  set(value) { this.setAttribute("src", value); },
});

Redoc.init("openapi.json", {
  disableSearch: true, // it would start a script from a blob:, which the page's policy forbids
  scrollYOffset: ".bar",
  theme: {
    colors: { primary: { main: "#3451b2" } },
    typography: {
      fontFamily: system,
      headings: { fontFamily: system, fontWeight: "600" },
      code: { fontFamily: mono },
      links: { color: "#3451b2" },
    },
  },
}, document.getElementById("redoc"));
