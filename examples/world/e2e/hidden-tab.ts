/**
 * A tab behind another one, as a person has it. Playwright keeps its own pages visible whatever happens,
 * so this one is made and asked through the browser's protocol alone.
 */
import type { Browser } from 'playwright'

export interface HiddenTab {
  evaluate<Result>(expression: string): Promise<Result>
  close(): Promise<void>
}

interface Answer {
  readonly id?: number
  readonly result?: {
    readonly result?: { readonly value?: unknown }
    readonly exceptionDetails?: { readonly text: string }
  }
}

/** Opens a tab, waits for `readyExpression` in it, and puts another tab in front. */
export async function openHiddenTab(browser: Browser, url: string, readyExpression: string): Promise<HiddenTab> {
  const protocol = await browser.newBrowserCDPSession()
  const { targetId } = await protocol.send('Target.createTarget', { url, width: 320, height: 200 })
  const { sessionId } = await protocol.send('Target.attachToTarget', { targetId, flatten: false })
  const waiting = new Map<number, (answer: Answer) => void>()
  let lastId = 0
  protocol.on('Target.receivedMessageFromTarget', ({ message }) => {
    const answer = JSON.parse(message) as Answer
    if (answer.id !== undefined) waiting.get(answer.id)?.(answer)
  })

  async function evaluate<Result>(expression: string): Promise<Result> {
    const id = (lastId += 1)
    const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve))
    const params = { expression, awaitPromise: true, returnByValue: true }
    const message = JSON.stringify({ id, method: 'Runtime.evaluate', params })
    await protocol.send('Target.sendMessageToTarget', { sessionId, message })
    const { result } = await answered
    waiting.delete(id)
    if (result?.exceptionDetails) throw new Error(`in the hidden tab: ${result.exceptionDetails.text}`)
    return result?.result?.value as Result
  }

  while (!(await evaluate<boolean>(`Boolean(${readyExpression})`))) await new Promise((next) => setTimeout(next, 100))
  const front = await protocol.send('Target.createTarget', { url: 'about:blank' })
  await protocol.send('Target.activateTarget', { targetId: front.targetId })
  while (!(await evaluate<boolean>('document.hidden'))) await new Promise((next) => setTimeout(next, 100))
  return {
    evaluate,
    async close() {
      for (const id of [targetId, front.targetId]) await protocol.send('Target.closeTarget', { targetId: id })
      await protocol.detach()
    },
  }
}
