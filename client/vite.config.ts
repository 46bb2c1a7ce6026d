import { join } from 'node:path'
import { defineConfig } from 'vite'

/**
 * The browser client as one file: `tapedeck.js` for a script tag, which makes the global `Tapedeck`, and `tapedeck.mjs`
 * for modules. Which one is the mode.
 */
export default defineConfig(({ mode }) => {
  const isModule = mode === 'module'
  return {
    root: import.meta.dirname,
    build: {
      target: 'es2022',
      lib: {
        entry: join(import.meta.dirname, `src/${isModule ? 'module' : 'script-tag'}.ts`),
        name: 'Tapedeck',
        formats: [isModule ? 'es' : 'iife'],
        fileName: () => (isModule ? 'tapedeck.mjs' : 'tapedeck.js'),
      },
      reportCompressedSize: false,
      emptyOutDir: false,
    },
  }
})
