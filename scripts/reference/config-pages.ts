import { stringify } from 'yaml'
import { environmentName, Key, type KeyTree, keysOf } from '../../src/config/key.ts'
import { CONFIG_KEYS } from '../../src/config/sections/all.ts'
import { FACADES } from '../../src/facades/declarations.ts'

const SAMPLE_HEAD = `# Every key of Tapedeck's configuration with its default. Copy this file to tapedeck.yaml and keep the lines you
# change. Each key can also be given in the environment (rtmp.listen as TAPEDECK_RTMP_LISTEN) or with --set on the
# command line. \`tapedeck config\` prints what is in force and where it came from. Written by \`npm run reference\`.
`
const PAGE_HEAD = `# Configuration keys

Read from \`tapedeck.yaml\` in the working directory, or the file named with \`--config\` or \`TAPEDECK_CONFIG\`. A flag
beats the environment, the environment beats the file, the file beats the default. Everything wrong is reported at
once, and the server doesn't start. Sizes take units (\`512MiB\`, \`2GB\`); times are in the unit that the key ends in.
Paths in the file are relative to its folder, others to the working directory.
[tapedeck.sample.yaml](../../tapedeck.sample.yaml) holds all of this as a file to copy.

Any key can be given as \`--set key=value\` to \`tapedeck serve\` and \`tapedeck config\`; the common ones have a flag.
Environment variables take lists and mappings as YAML: \`TAPEDECK_RULES='[{ match: live/* }]'\`.

This page and the sample are written by \`npm run reference\` from \`src/config/sections/\`; a test keeps them current.

| key | default | environment | flag |
|---|---|---|---|
`
const LINE_WIDTH = 110

/** The core's keys, then every facade's. */
export const ALL_KEYS: KeyTree = {
  ...CONFIG_KEYS,
  ...(FACADES.length > 0 && { facades: Object.fromEntries(FACADES.map(({ name, keys }) => [name, keys])) }),
}

/** tapedeck.sample.yaml: every key with its default, each under a comment about it. */
export function sampleFile(): string {
  return `${SAMPLE_HEAD}\n${sampleTree(ALL_KEYS, '')}`
}

/** docs/reference/config.md. */
export function configPage(): string {
  const keys = [...keysOf(ALL_KEYS)]
  const rows = keys.map(([path, key]) => {
    const flag = key.flag === undefined ? '' : `\`${key.flag.split(' ')[0]}\``
    return `| [\`${path}\`](#${anchor(path)}) | \`${inline(key.default)}\` | \`${environmentName(path)}\` | ${flag} |`
  })
  const entries = keys.map(([path, key]) => `\n## ${path}\n\n${key.about}\n\nTakes ${key.type.expected}.\n`)
  return `${PAGE_HEAD}${rows.join('\n')}\n${entries.join('')}`
}

function sampleTree(tree: KeyTree, indent: string): string {
  const blocks = Object.entries(tree).map(([name, node]) => {
    if (!(node instanceof Key)) return `${indent}${name}:\n${sampleTree(node, `${indent}  `)}`
    const comment = wrap(`${node.about} Takes ${node.type.expected}.`, LINE_WIDTH - indent.length)
    return `${comment.map((line) => `${indent}# ${line}\n`).join('')}${indent}${name}: ${inline(node.default)}\n`
  })
  return blocks.join(indent === '' ? '\n' : '')
}

/** A default as one would write it in the file, on one line. */
function inline(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0, singleQuote: true }).trim()
}

function anchor(path: string): string {
  return path.toLowerCase().replaceAll('.', '')
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line !== '' && line.length + word.length + 1 > width) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines
}
