import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { App } from './app.ts'

/** Scripts and styles of our own only; pictures and media of our own or made by the page. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "img-src 'self' data: blob:",
  "media-src 'self' blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** The built files carry a digest of their content in their names. */
const HASHED_FILES = '/assets/'

/** Serves the dashboard's built files at `/`; without them the API works all the same. */
export async function registerPage(app: App, folder: string): Promise<boolean> {
  if (!(await isFile(join(folder, 'index.html')))) return false
  await app.register(fastifyStatic, {
    root: folder,
    prefix: '/',
    wildcard: true,
    dotfiles: 'ignore',
    cacheControl: false,
    setHeaders: (reply, path) => {
      const isHashed = path.slice(folder.length).includes(HASHED_FILES)
      reply.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache')
      reply.header('content-security-policy', CONTENT_SECURITY_POLICY)
    },
  })
  return true
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}
