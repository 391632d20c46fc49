import { withBase } from 'vitepress';
import { defineComponent, h, onBeforeUnmount, ref } from 'vue';
import { type RunEvent, runInWorker } from './run-in-worker.ts';

/** A program that can be changed and run in the page, on the `cpu` device, and what it prints. */
export const RunnableCode = defineComponent({
  props: { code: { type: String, required: true } },
  setup(props) {
    const original = decodeURIComponent(props.code).trimEnd();
    const code = ref(original);
    const output = ref<RunEvent[]>([]);
    const isRunning = ref(false);
    let stop = () => {};
    onBeforeUnmount(() => stop());

    const end = () => {
      stop();
      isRunning.value = false;
    };
    const run = () => {
      output.value = [];
      isRunning.value = true;
      const folder = new URL(withBase('/packages-in-page/'), location.href);
      stop = runInWorker(code.value, folder, (event) => {
        if (event.kind === 'end') isRunning.value = false;
        else output.value.push(event);
      });
    };
    const reset = () => {
      code.value = original;
    };
    const onKeydown = (event: KeyboardEvent) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) run();
    };
    const button = (text: string, onClick: () => void, disabled: boolean) =>
      h('button', { type: 'button', onClick, disabled }, text);

    return () =>
      h('div', { class: 'runnable-code' }, [
        h('textarea', {
          value: code.value,
          rows: code.value.split('\n').length,
          spellcheck: false,
          'aria-label': 'Program; Control and Enter run it',
          onInput: (event: Event) => {
            code.value = (event.target as HTMLTextAreaElement).value;
          },
          onKeydown,
        }),
        h('div', { class: 'actions' }, [
          isRunning.value ? button('Stop', end, false) : button('Run', run, false),
          button('Reset', reset, code.value === original),
        ]),
        h(
          'pre',
          { class: 'output', role: 'log', 'aria-label': 'Output', tabindex: 0, 'data-running': isRunning.value },
          output.value.map((event) =>
            event.kind === 'end' ? '' : h('span', { class: event.kind }, `${event.text}\n`),
          ),
        ),
      ]);
  },
});
