/** A live stream on the form page. */
export interface PageEntry {
  readonly application: string
  readonly streamName: string
  readonly isRecording: boolean
}

/** What every answer looks like: clients look for action and stream in it. */
export function messagePage(title: string, heading: string, text: string): string {
  return page(title, `<h1>${escapeHtml(heading)}</h1><p>${escapeHtml(text)}</p>`)
}

/** All live streams with links that start and stop their recordings. */
export function formPage(entries: readonly PageEntry[]): string {
  const rows = entries.map(({ application, streamName, isRecording }) => {
    const action = isRecording ? 'stopRecording' : 'startRecording'
    const query = new URLSearchParams({ app: application, streamname: streamName, action })
    const link = `<a href="/livestreamrecord?${escapeHtml(query.toString())}">${action}</a>`
    return `<tr><td>${escapeHtml(application)}</td><td>${escapeHtml(streamName)}</td><td>${link}</td></tr>`
  })
  const table = `<table><tr><th>app</th><th>streamname</th><th>action</th></tr>${rows.join('')}</table>`
  return page('LiveStreamRecord', `<h1>LiveStreamRecord</h1>${table}`)
}

function page(title: string, body: string): string {
  return `<html><head><title>${escapeHtml(title)}</title></head><body>${body}</body></html>`
}

/** Text that means nothing in HTML, in attributes neither. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
