#!/usr/bin/env node
// What old cron jobs call after a crash of EvoStream Media Server: `evo-mp4writer --recovery [-path=<file or folder>]`.
// Does what `tapedeck repair` does; the server itself needs none of it, it finishes its files at its next start.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { NODE_24, ROOT } from '../scripts/setup/paths.mjs'
import { serverArguments, serverEnvironment } from '../scripts/setup/run-node24.mjs'

/** What EvoStream left beside `f.mp4` while it recorded: named by callers, but never written by Tapedeck. */
const INTERMEDIATE = /(\.mp4)\.(?:mdat|info|track\d+)$/i

/** In a folder these are no failures: files of others, and files that are being recorded. */
const NOT_OURS_NOW = /\[(?:container\/not-ours|storage\/file-in-use)\]/

if (!existsSync(NODE_24)) fail(`dependencies are missing: run npm install in ${ROOT}`)
let failures = 0
for (const path of pathsOf(process.argv.slice(2))) {
  if (!isFolder(path)) {
    if (!repair(path, false)) failures++
    continue
  }
  const names = readdirSync(path).filter((name) => /\.mp4$/i.test(name) && !name.startsWith('.'))
  for (const name of names.sort()) if (!repair(join(path, name), true)) failures++
}
process.exit(failures === 0 ? 0 : 1)

/** `-path=x`, `--path=x`, `x`; without any, the folder it is called in. */
function pathsOf(args) {
  const paths = []
  for (const arg of args) {
    if (/^--?recovery$/.test(arg)) continue
    const [, path = arg] = /^--?(?:path|recovery)=(.*)$/.exec(arg) ?? []
    if (path.startsWith('-')) fail(`unknown option ${arg}: evo-mp4writer [--recovery] [-path=<file or folder>]`)
    paths.push(path.replace(INTERMEDIATE, '$1'))
  }
  return paths.length > 0 ? paths : [process.cwd()]
}

function isFolder(path) {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

/** @returns whether the file is whole now, or (in a folder) none of our business */
function repair(path, isListed) {
  if (!existsSync(path) && existsSync(`${path}.mdat`)) {
    console.error(`evo-mp4writer: ${path}.mdat was written by EvoStream: only its own evo-mp4writer can assemble it`)
    return false
  }
  const args = serverArguments([`${ROOT}src/main.ts`, 'repair', path])
  const { status, stdout, stderr } = spawnSync(NODE_24, args, { env: serverEnvironment(), encoding: 'utf8' })
  if (isListed && NOT_OURS_NOW.test(stderr)) return true
  process.stdout.write(stdout)
  process.stderr.write(stderr)
  return status === 0
}

function fail(message) {
  console.error(`evo-mp4writer: ${message}`)
  process.exit(2)
}
