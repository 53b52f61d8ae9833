"""The store of inventories: a folder or a bucket of objects (`open_store`) and what stands in it
(`InventoryStore`).

Public: `open_store` (opening.py); `ObjectStore`, `StoredObject` (objects.py); `InventoryStore`,
`DocumentEntry`, `section_name` (inventories.py); `Pointer`, `StoredDocument`, `EventPosition`, `SchemaIds`
(pointers.py). `Pending`, `WriteAhead` and `Holder` (pointers.py) belong to `mesh_assets.snapshot`.
"""
