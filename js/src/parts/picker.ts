// The list of models, and the form for a server that opens from there.
export { AddServer } from "../views/add-server";
export { ModelPicker } from "../views/model-picker";
