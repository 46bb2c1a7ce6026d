import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { filesBelow, ROOT } from './source-files.ts'

const pages = filesBelow('.', '.md')
const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g

test('links between pages lead somewhere, headings too', () => {
  const broken: string[] = []
  for (const { path, text } of pages) {
    for (const [, link = ''] of withoutCode(text).matchAll(LINK)) {
      if (/^[a-z]+:/.test(link)) continue
      const [file = '', heading] = link.split('#')
      const target = file === '' ? path : join(dirname(path), file)
      if (!existsSync(join(ROOT, target))) broken.push(`${path} → ${link}`)
      else if (heading !== undefined && !headingsOf(target).includes(heading)) broken.push(`${path} → ${link}`)
    }
  }
  assert.deepEqual(broken, [])
})

test('guide and decisions are numbered without gaps, and their index names each', () => {
  for (const [folder, digits] of [
    ['docs/guide', 2],
    ['docs/decisions', 4],
  ] as const) {
    const inFolder = pages.filter(({ path }) => path.startsWith(`${folder}/`))
    const index = inFolder.find(({ path }) => path === `${folder}/README.md`)?.text ?? ''
    const names = inFolder.map(({ path }) => path.slice(folder.length + 1)).filter((name) => name !== 'README.md')
    // Who comes from another system reads that page first.
    const numbered = names.filter((name) => !name.startsWith('coming-from-')).sort()
    for (const name of names) assert.ok(index.includes(`](${name})`), `${folder}/README.md does not link ${name}`)
    for (const [position, name] of numbered.entries()) {
      assert.ok(name.startsWith(`${String(position + 1).padStart(digits, '0')}-`), `${folder}/${name} breaks the count`)
    }
  }
})

function headingsOf(path: string): string[] {
  const text = withoutCode(pages.find((page) => page.path === path)?.text ?? '')
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

function withoutCode(text: string): string {
  return text.replace(/```[\s\S]*?```/g, '')
}
