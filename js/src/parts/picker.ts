// The choice of a model, and what is done from there.
export { AddServer } from "../views/add-server";
export { ModelPicker } from "../views/model-picker";
