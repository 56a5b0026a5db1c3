// What JSX is made of in the build: calls of `h`, which say the same as those of the automatic runtime in fewer signs.
export { Fragment, h } from "preact";
