import { Component, type ComponentChild, type FunctionComponent, h } from "preact";

/** Draw again only when a property changed. */
export function memo<P extends object>(view: FunctionComponent<P>) {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      const before = this.props as Record<string, unknown>;
      const after = next as Record<string, unknown>;
      return Object.keys({ ...before, ...after }).some((key) => !Object.is(before[key], after[key]));
    }
    override render(props: P): ComponentChild {
      return h(view, props);
    }
  };
}
