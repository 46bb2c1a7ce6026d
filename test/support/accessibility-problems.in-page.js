// Runs in the page under test, so it is plain JavaScript: an expression that gives what a person without a mouse or
// without sight would stumble over, as a list of sentences. Empty when all is well.
;(() => {
  const problems = []
  const describe = (element) => element.outerHTML.slice(0, 120)
  const isShown = (element) => element.checkVisibility({ visibilityProperty: true })
  const nameOf = (element) => {
    const labelledBy = element.getAttribute('aria-labelledby')
    const texts = [
      element.getAttribute('aria-label'),
      labelledBy === null ? '' : document.getElementById(labelledBy)?.textContent,
      ...[...(element.labels ?? [])].map((label) => label.textContent),
      element.textContent,
    ]
    return texts.join('').trim()
  }
  for (const element of document.querySelectorAll('a[href], button, input, select, video, summary, dialog, nav')) {
    if (isShown(element) && nameOf(element) === '') problems.push(`no name: ${describe(element)}`)
  }
  for (const image of document.querySelectorAll('img')) {
    if (!image.hasAttribute('alt')) problems.push(`no alt: ${describe(image)}`)
  }
  const ids = [...document.querySelectorAll('[id]')].map((element) => element.id)
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) problems.push(`id used twice: ${id}`)
  for (const element of document.querySelectorAll('[aria-labelledby]')) {
    const label = document.getElementById(element.getAttribute('aria-labelledby'))
    if (label === null) problems.push(`labelled by nothing: ${describe(element)}`)
  }
  for (const element of document.querySelectorAll('[tabindex]')) {
    if (element.tabIndex > 0) problems.push(`own tab order: ${describe(element)}`)
  }
  if (document.querySelectorAll('main').length !== 1) problems.push('not exactly one <main>')
  if (document.documentElement.lang === '') problems.push('no language')
  const headings = [...document.querySelectorAll('h1, h2, h3, h4')].filter(isShown)
  const levels = headings.map((heading) => Number(heading.tagName.slice(1)))
  levels.forEach((level, index) => {
    const before = levels[index - 1] ?? 0
    if (level > before + 1) problems.push(`heading level ${level} follows ${before}: ${describe(headings[index])}`)
  })
  if (document.documentElement.scrollWidth > innerWidth) problems.push('scrolls sideways')
  return problems
})()
