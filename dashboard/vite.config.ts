import { defineConfig } from 'vite'

/**
 * One script and one style sheet, nothing inline and nothing from elsewhere, so that the page runs under a
 * `default-src 'self'` content security policy. Addresses are relative: the page also works behind a proxy's prefix.
 */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    emptyOutDir: true,
  },
})
