/** A reporter of node:test: the files, each once and on a line of its own, in which a test failed. */
export default async function* failedFiles(events) {
  const files = new Set()
  for await (const { type, data } of events) {
    const file = data?.file ?? (data?.nesting === 0 ? data.name : undefined)
    if (type !== 'test:fail' || file === undefined || files.has(file)) continue
    files.add(file)
    yield `${file}\n`
  }
}
