import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filesBelow, repositoryFile } from './source-files.ts'

/** Pages for whoever comes from another system, and the tests whose titles are their tables' lines. */
const PAGES = [
  { page: 'docs/guide/coming-from-fms-wowza.md', tests: /^test\/interop\/wowza-checklist/ },
  {
    page: 'docs/guide/coming-from-openvidu.md',
    tests: /^test\/(interop\/openvidu-(browsers|layouts|rest)|integration\/openvidu-(cameras|checklist))\.test/,
  },
]

for (const { page, tests } of PAGES) {
  test(`${page} has a line for each test of the checklist`, () => {
    const text = repositoryFile(page)
    const titles = ['test/interop', 'test/integration']
      .flatMap((folder) => filesBelow(folder, '.test.ts'))
      .filter(({ path }) => tests.test(path))
      .flatMap((file) => [...file.text.matchAll(/^ *test\('(.+?)', /gm)].map(([, title = '']) => title))
    assert.ok(titles.length > 0)
    assert.deepEqual(
      titles.filter((title) => !text.includes(`| ${title} |`)),
      [],
    )
  })
}
