/**
 * Every relative link in a Markdown file leads to a file, and every fragment to a heading.
 *
 * Invariant: links inside code are examples and are not followed; links to other sites are not fetched.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize, relative, sep } from 'node:path'
import { listFiles } from '../workspace.ts'
import type { CheckResult } from './result.ts'

const INLINE = /!?\[(?:[^\]\\]|\\.)*\]\(\s*<?([^)<>\s]+)>?(?:\s+"[^"]*")?\s*\)/g
const REFERENCE = /^\s{0,3}\[[^\]]+\]:\s+<?(\S+?)>?(?:\s+"[^"]*")?\s*$/gm
const HTML = /\b(?:src|href)="([^"]+)"/g

function withoutCode(markdown: string): string {
  return markdown.replace(/^\s*(```|~~~)[\s\S]*?^\s*\1/gm, '').replace(/(`+)[^`][\s\S]*?\1/g, '')
}

export function linksOf(markdown: string): string[] {
  const prose = withoutCode(markdown)
  return [INLINE, REFERENCE, HTML].flatMap((pattern) => [...prose.matchAll(pattern)].map((match) => match[1] as string))
}

/** The fragments that a code host gives the headings of a document. */
export function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>()
  for (const match of markdown.replace(/^\s*(```|~~~)[\s\S]*?^\s*\1/gm, '').matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const slug = (match[1] as string)
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_\s-]/gu, '')
      .replace(/\s/g, '-')
    let unique = slug
    for (let count = 1; anchors.has(unique); count++) unique = `${slug}-${count}`
    anchors.add(unique)
  }
  for (const match of markdown.matchAll(/<a\s+(?:id|name)="([^"]+)"/g)) anchors.add(match[1] as string)
  return anchors
}

export function checkDocLinks(root: string): CheckResult {
  const errors: string[] = []
  const files = listFiles(root, '', ['.md']).filter((path) => !path.endsWith('.api.md'))
  let linkCount = 0
  for (const path of files) {
    for (const link of linksOf(readFileSync(join(root, path), 'utf8'))) {
      if (/^[a-z][a-z0-9+.-]*:/i.test(link) || link.startsWith('//')) continue
      linkCount++
      const [target, fragment] = link.split('#') as [string, string?]
      const file = target === '' ? path : normalize(join(dirname(path), decodeURIComponent(target)))
      const absolute = join(root, file)
      if (relative(root, absolute).split(sep)[0] === '..' || target.startsWith('/')) {
        errors.push(`${path}: ${link} leads out of the repository`)
      } else if (!existsSync(absolute)) errors.push(`${path}: ${link} leads to nothing`)
      else if (fragment !== undefined && file.endsWith('.md') && statSync(absolute).isFile()) {
        if (!anchorsOf(readFileSync(absolute, 'utf8')).has(fragment)) errors.push(`${path}: ${link} names no heading`)
      }
    }
  }
  if (files.length === 0) errors.push('doc links: no Markdown file found; the check looked in the wrong place')
  return { errors, warnings: [], note: `${linkCount} links in ${files.length} files` }
}
